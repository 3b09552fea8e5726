"""What a child printed: its beginning and its end, however much there was between them."""

PART = 8 << 10


class Noise:
    """The first and the last of some bytes, and their number."""

    def __init__(self):
        self.head = b""
        self.tail = b""
        self.total = 0

    def add(self, data):
        """Take what came next."""
        self.total += len(data)
        room = PART - len(self.head)
        self.head += data[:room]
        self.tail = (self.tail + data[room:])[-PART:]

    def text(self):
        """Return it as text, with what is no text as escapes."""
        left_out = self.total - len(self.head) - len(self.tail)
        between = b"\n... (%d bytes left out)\n" % left_out if left_out else b""
        return (self.head + between + self.tail).decode("utf-8", "backslashreplace")
