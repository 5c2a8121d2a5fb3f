"""What may be asked of the group service: commands, answers and refusals."""
