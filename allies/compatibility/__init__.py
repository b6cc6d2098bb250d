"""What the release before wrote down by names that changed since."""
