"""Pages for programs and other sites: schema.org, share images, sitemaps, embeds."""
