"""What may be asked of the relation service: commands, answers and refusals."""
