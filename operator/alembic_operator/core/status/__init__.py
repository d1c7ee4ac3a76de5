"""What the status of a migration and its Events say."""
