"""What the commands in scripts/ are made of. Lessons never import it (their check.py alone may)."""
