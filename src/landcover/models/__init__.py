"""Networks and their files: encoders, decoders, the table of models, initial weights, the model file.

Imports `system`, `classes` and `images`.
"""

import warnings

# timm imports a package that looks for progress bars of notebooks, and warns where there are none.
warnings.filterwarnings("ignore", "IProgress not found")
