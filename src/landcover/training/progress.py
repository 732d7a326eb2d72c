"""Progress of a training: a bar on a terminal, elsewhere a line every few batches."""

import time

from tqdm import tqdm


def batch_name(step: int, steps: int) -> str:
    """The name of the batch of step 0, 1, ... of the training, for people, if an epoch has `steps` of them."""
    epoch, batch = divmod(step, steps)
    return f"epoch {epoch + 1}, batch {batch + 1}"


class Progress:
    """Shows the progress of a training.

    Args:
        epochs: Number of epochs.
        steps: Batches per epoch.
        done: Batches that are done already.
        batch_size: Crops per batch.
        every: Batches between two lines; 0 for no lines.
        silent: Show nothing.
    """

    def __init__(self, *, epochs: int, steps: int, done: int, batch_size: int, every: int, silent: bool) -> None:
        self._epochs, self._steps, self._done, self._batch_size = epochs, steps, done, batch_size
        self._every = 0 if silent else every
        # With None, tqdm checks for a terminal.
        self._bar = tqdm(total=epochs * steps, initial=done, unit=" batches", leave=False, disable=silent or None)
        self.start_clock()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def start_clock(self) -> None:
        """Measure images per second from now on."""
        self._since = self._done, time.monotonic()

    def step(self, loss: float, lr: float) -> None:
        """Show that another batch is done; `loss` is the mean of its epoch so far."""
        name = batch_name(self._done, self._steps)
        self._bar.set_description(f"epoch {self._done // self._steps + 1}/{self._epochs}", refresh=False)
        self._done += 1
        self._bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        self._bar.update()
        if self._bar.disable and self._every and self._done % self._every == 0:
            done, start = self._since
            rate = (self._done - done) * self._batch_size / (time.monotonic() - start)
            print(f"{name}: loss {loss:.4f}, lr {lr:.3g}, {rate:.1f} images/s", flush=True)
            self.start_clock()
