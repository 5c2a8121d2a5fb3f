"""Looking into files: types from their bytes, and a process with limits for all the rest."""
