"""The domain classifier and what makes features hide their domain."""
