"""What may be asked of the conversation service: commands, answers and refusals."""
