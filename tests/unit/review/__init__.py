"""What a reviewer tried against the authority: each test is one way in that was open, or was feared to be."""
