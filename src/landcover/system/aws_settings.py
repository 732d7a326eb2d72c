"""How S3 is reached: the usual variables of AWS, those of GDAL, and the files of AWS's command line."""

import os
from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path
from typing import Any

_ROLES = ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI")
_VENDOR = Path("/sys/devices/virtual/dmi/id/sys_vendor")
_YES = ("yes", "true", "on", "1")


def s3_settings(environment: Mapping[str, str] = os.environ) -> dict[str, Any] | None:
    """What obstore's S3Store is to be given besides the bucket; None if there are no credentials.

    Without any, buckets are read as anyone may, if AWS_NO_SIGN_REQUEST is set. A machine is asked for the credentials
    of its role only if it is one of Amazon's, as elsewhere nothing answers, or a stranger does.

    Args:
        environment: The variables; those that obstore reads itself are read again, as files may fill in for them.
    """
    profile = environment.get("AWS_PROFILE") or environment.get("AWS_DEFAULT_PROFILE") or "default"
    own = _section(environment.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials", profile)
    name = profile if profile == "default" else f"profile {profile}"
    own = _section(environment.get("AWS_CONFIG_FILE") or "~/.aws/config", name) | own
    settings: dict[str, Any] = {}
    if region := environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or own.get("region"):
        settings["region"] = region
    if endpoint := _endpoint(environment) or own.get("endpoint_url"):
        settings["endpoint"] = endpoint
        settings["virtual_hosted_style_request"] = False
    if environment.get("AWS_NO_SIGN_REQUEST", "").lower() in _YES:
        return settings | {"skip_signature": True}
    key, secret = environment.get("AWS_ACCESS_KEY_ID"), environment.get("AWS_SECRET_ACCESS_KEY")
    if environment.get("AWS_PROFILE") or not (key and secret):
        if own.get("aws_access_key_id") and own.get("aws_secret_access_key"):
            settings |= {name: own[f"aws_{name}"] for name in ("access_key_id", "secret_access_key")}
            if token := own.get("aws_session_token"):
                settings["session_token"] = token
            return settings
        if not ((key and secret) or any(map(environment.get, _ROLES)) or _is_amazons(environment)):
            return None
    return settings


def _endpoint(environment: Mapping[str, str]) -> str | None:
    """The server, if it is not Amazon's, by the variables of AWS or, without a scheme, by GDAL's."""
    given = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    server = environment.get("AWS_S3_ENDPOINT")
    if given or not server or "://" in server:
        return given or server
    is_plain = environment.get("AWS_HTTPS", "YES").lower() in ("no", "false", "off", "0")
    return f"{'http' if is_plain else 'https'}://{server}"


def _section(file: str, name: str) -> dict[str, str]:
    parser = ConfigParser(interpolation=None)
    try:
        parser.read(Path(file).expanduser(), encoding="utf-8")
        return dict(parser[name])
    except (KeyError, Error, OSError, UnicodeDecodeError, RuntimeError):
        return {}


def _is_amazons(environment: Mapping[str, str]) -> bool:
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() in _YES:
        return False
    try:
        return "amazon" in _VENDOR.read_text(encoding="utf-8").lower()
    except OSError:
        return False
