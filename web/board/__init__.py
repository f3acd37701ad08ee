"""The pages of an ordre's officers (``/ordre/``): the queue, a request beside the register, approvals signed with a passkey."""
