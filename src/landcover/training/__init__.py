"""Training: the recipe, batches, augmentation, losses, optimisers, the trainer, checkpoints, validation.

Imports `system`, `classes`, `data` (the tiles), `scoring` (the confusion matrix) and `models`.
"""
