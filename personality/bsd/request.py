"""One sysctl request: where the old value goes, what the new one is, and the BSDs' rules for both.

Output is copied as far as the buffer reaches and counted beyond it; a buffer that was too short
is ENOMEM, and the length says how much fitted.  Without a buffer only the length is wanted.
"""

from __future__ import annotations

import errno

from personality.supervisor.guest import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from personality.supervisor.guest import Guest

NEW_LIMIT = 1 << 20  # larger new values than any node takes are not read in


class Request:
    """The state of one request while handlers answer it.

    `length` is the size of the guest's buffer (0 without one), `written` what was put out so far;
    `facts` are the words that the runtime adds to the call: the top of the main stack and the
    address of ps_strings, each 0 when it did not say.
    """

    __slots__ = ("address", "facts", "guest", "length", "new", "new_size", "short", "written")

    def __init__(
        self,
        guest: Guest,
        address: int,
        length: int,
        new: int = 0,
        new_size: int = 0,
        facts: tuple[int, int] = (0, 0),
    ) -> None:
        self.guest = guest
        self.address = address
        self.length = length
        self.new = new
        self.new_size = new_size if new else 0
        self.facts = facts
        self.written = 0
        self.short = False

    def out(self, data: bytes) -> None:
        """Put out a piece of the value.  Raises OSError(EFAULT)."""
        start = self.written
        self.written += len(data)
        if self.address == 0:
            return
        fits = data[: max(0, self.length - start)]
        self.guest.write(self.address + start, fits)
        if len(fits) < len(data):
            self.short = True

    def finish(self) -> int:
        """The length to report: what was written, or wanted when there is no buffer."""
        return min(self.written, self.length) if self.address else self.written

    @property
    def room(self) -> int:
        """Bytes that still fit; a large number when only the length is asked for."""
        return max(0, self.length - self.written) if self.address else 1 << 62

    def take_new(self, size: int | None = None) -> bytes:
        """The new value, or its first `size` bytes.  Raises OSError: EINVAL (too short), EFAULT."""
        wanted = self.new_size if size is None else size
        if self.new_size < wanted or wanted > NEW_LIMIT:
            raise fail(errno.EINVAL)
        return self.guest.read(self.new, wanted)
