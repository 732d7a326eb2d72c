"""Help that the commands which score masks share."""

MASKS = """\
Masks are NAME_mask.png or NAME_mask.tif of any size, paired by NAME; in a
folder where no file is called NAME_mask or NAME_sat, each NAME.png is a mask.
A pixel whose colour belongs to no class is unknown; but where all colours of
the classes consist of 0 and 255, as the course's do, each channel is first
rounded to the nearer of the two. A class predicted where the truth is unknown
is a false positive; unknown predicted is a miss. A class that is neither
present nor predicted has no IoU ("-", in JSON null) and does not count in the
mean.

The classes and their colours are those of --classes; without it, those of a
dataset.json or of the only model (*.safetensors) in the folders of the masks
or one level above, the truth's first; else those of the params.yaml in the
working directory or above it; else the course's. A note says which file was
used. If a larger share of a folder's pixels than --max-off-palette has colours
of no class, nothing is scored: the masks were drawn in other colours."""

EXIT_CODES = """\
Exit codes:
  0  everything was scored
  1  something was not: masks without a partner (nothing is scored, unless
     --allow-missing), colours of no class (nothing is scored), broken files
     (the others are scored) or wrong input; stderr says what, a line for each
  2  wrong command line"""
