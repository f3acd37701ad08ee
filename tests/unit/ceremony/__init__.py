"""Key ceremonies: the script and its rules, the transcript, what comes by file."""
