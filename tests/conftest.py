"""Import Yanshi before MuJoCo, so that MuJoCo renders as Yanshi does."""

import yanshi  # noqa: F401
