"""Networks and their files: encoders, decoders, the table of models, pretrained weights, the model file.

Imports `system` and `classes`.
"""

import warnings

# timm imports a package that looks for progress bars of notebooks, and warns where there are none.
warnings.filterwarnings("ignore", "IProgress not found")
