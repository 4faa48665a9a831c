"""The stages of one run: inputs and fits, samples, shards, merge; and what is remembered between runs."""
