"""What the stages share: reading params.yaml, running with errors in one line, telling uncommitted parameters."""
