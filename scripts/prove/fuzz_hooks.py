"""What schemathesis has to be taught of our media types. scripts/prove/fuzz loads it."""
import schemathesis
from hypothesis import strategies

# A part of an upload: any bytes (tus 1.0.0).
schemathesis.openapi.media_type("application/offset+octet-stream", strategies.binary(max_size=256))
# And what a segment of a recording is.
schemathesis.openapi.media_type("application/octet-stream", strategies.binary(max_size=256))
