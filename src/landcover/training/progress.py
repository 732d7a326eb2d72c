"""How far a training is: a bar where there is a terminal, elsewhere a line now and then."""

import time

from tqdm import tqdm


class Progress:
    """Shows epochs of `steps` batches each.

    Args:
        done: Batches that were done before.
        batch_size: Images in a batch.
        every: Batches between two lines; 0 for none.
        silent: Show nothing.
    """

    def __init__(self, *, epochs: int, steps: int, done: int, batch_size: int, every: int, silent: bool) -> None:
        self._epochs, self._steps, self._done, self._batch_size = epochs, steps, done, batch_size
        self._every = 0 if silent else every
        # None lets tqdm look for a terminal.
        self._bar = tqdm(total=epochs * steps, initial=done, unit=" batches", leave=False, disable=silent or None)
        self.start_clock()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def start_clock(self) -> None:
        """Count images a second from here on."""
        self._since = self._done, time.monotonic()

    def step(self, loss: float, lr: float) -> None:
        """Show that another batch is done; `loss` is the mean of its epoch so far."""
        epoch, step = divmod(self._done, self._steps)
        self._done += 1
        self._bar.set_description(f"epoch {epoch + 1}/{self._epochs}", refresh=False)
        self._bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self._bar.update()
        if self._bar.disable and self._every and self._done % self._every == 0:
            done, then = self._since
            rate = (self._done - done) * self._batch_size / (time.monotonic() - then)
            place = f"epoch {epoch + 1}, batch {step + 1}"
            print(f"{place}: loss {loss:.4f}, lr {lr:.3g}, {rate:.1f} images/s", flush=True)
            self.start_clock()
