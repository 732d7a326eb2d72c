"""What the stages share: reading params.yaml, errors in one line, notes on uncommitted parameters."""
