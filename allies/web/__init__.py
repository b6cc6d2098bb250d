"""What other sites and programs read: schema.org data, share images, sitemaps, embeds."""
