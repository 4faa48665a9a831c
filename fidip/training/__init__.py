"""Parts of a training run that fidip/trainer.py puts together."""
