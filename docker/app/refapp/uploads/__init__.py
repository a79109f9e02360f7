"""Files that users upload and the jobs that they start: shared by every product that processes files."""
