# Remove from an environment, the argument, what the data-processor never loads.
set -eu
cd "$1"/lib/python3.*/site-packages

# Of OpenCV's cascades one is used, and of botocore's services those that read and write files.
find cv2/data -name '*.xml' ! -name haarcascade_frontalface_default.xml -delete
find botocore/data -mindepth 1 -maxdepth 1 -type d ! -name s3 ! -name sts -exec rm -rf {} +

# Dictionaries of languages that no model can be set to: see LEMMA_LANGUAGES in tasks/texts/declared.py.
find simplemma/strategies/dictionaries/data -name '*.plzma' \
    | grep --invert-match --extended-regexp '/(en|de|fr|es|it|pt|nl|pl|sv|da|cs|ru|uk|tr)\.plzma$' \
    | xargs rm

# Weights that are not used, one of which may not be used commercially.
rm -f face_recognition_models/models/shape_predictor_68_face_landmarks.dat \
    face_recognition_models/models/mmod_human_face_detector.dat

# Converters, tests that are not called so, an extension for notebooks, and what only compilers and editors read.
rm -rf Crypto/SelfTest jupyterlab_plotly onnx/backend/test \
    onnxruntime/datasets onnxruntime/quantization onnxruntime/tools onnxruntime/transformers
find . -type f -regex '.*\.\(py[ix]\|px[di]\|h\|hpp\|c\|cpp\|a\)' -delete

# What Evidently's own server, its made-up data and trend lines need: its reports do without.
rm -rf faker statsmodels

# Compiled code of what is hardly ever loaded, and then in a process that takes its time; Python compiles it again.
for rare in databricks fontTools plotly/graph_objs plotly/validators \
    asyncssh celery dynaconf hydra prompt_toolkit pygments setuptools wcwidth; do
    find "$rare" -type d -name __pycache__ -prune -exec rm -rf {} +
done

# Symbols for debuggers. What auditwheel has moved to *.libs may not be stripped: its sections would be misaligned.
apt-get update
apt-get install --yes --no-install-recommends binutils
find . -name '*.so*' -type f -not -path '*.libs/*' -exec strip --strip-unneeded {} +

"$1"/bin/python -I -c "
import botocore.session, cv2, evidently.presets, llvmlite.binding, onnxruntime, shap, simplemma, skl2onnx, uvloop
assert not cv2.CascadeClassifier(cv2.data.haarcascades + 'haarcascade_frontalface_default.xml').empty()
for service in ('s3', 'sts'):
    botocore.session.get_session().create_client(service, region_name='eu-central-1')
"
