# Remove from an environment, the argument, what the pages never load.
set -eu
cd "$1"/lib/python3.*/site-packages

# A codec: pictures are JPEG, PNG or WebP.
rm -f PIL/_avif.* pillow.libs/libavif-*

# Symbols for debuggers. What auditwheel has moved to *.libs may not be stripped: its sections would be misaligned.
apt-get update
apt-get install --yes --no-install-recommends binutils
find . -name '*.so*' -type f -not -path '*.libs/*' -exec strip --strip-unneeded {} +

"$1"/bin/python -I -c "
import pandas, pyarrow.compute, pyarrow.dataset, pyarrow.parquet, streamlit
from PIL import Image, features
Image.init()
assert features.check('jpg') and features.check('zlib') and features.check('webp')
"
