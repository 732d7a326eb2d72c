"""Help that the commands which score masks share."""

MASKS = """\
Masks are NAME_mask.png or NAME_mask.tif of any size, paired by NAME; in a folder where no file is called NAME_mask or
NAME_sat, each NAME.png is a mask. A pixel whose colour belongs to no class is unknown. But where all colours of the
classes consist of 0 and 255, as the course's do, each channel is first rounded to the nearer of the two. A class
predicted where the truth is unknown is a false positive; unknown predicted is a miss. A class that is neither present
nor predicted has no IoU ("-", in JSON null) and does not count in the mean.

The classes and their colours are those of --classes; otherwise of a dataset.json or of the only model.safetensors in
the folders of the masks or one level above (first the truth's); otherwise of the params.yaml of this project (in the
working directory or above it); otherwise the course's. A note tells which file was used. If more of a folder's pixels
than --max-off-palette have colours of no class, nothing is scored: the masks were drawn in other colours."""

EXIT_CODES = """\
\b
Exit codes:
  0  everything was scored
  1  something was not, with a line for each reason on stderr:
     masks without a partner (nothing is scored, unless --allow-missing), colours of no class (nothing is scored),
     broken files (the others are scored), wrong input
  2  wrong command line"""
