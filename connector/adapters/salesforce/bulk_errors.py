"""What Bulk API 2.0 says of rows and of whole jobs that went wrong. Pure."""

import re

from connector.adapters.salesforce.faults import Fault, fault_of

# "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"; several follow one another.
_ROW_ERROR = re.compile(r"(?P<code>[A-Z][A-Z0-9_]+):(?P<message>.*?):(?P<fields>[\w.,\s]*?)\s?--", re.DOTALL)
# Such as: InvalidBatch : Field name not found : Number__c, of the whole job.
_JOB_ERROR = re.compile(r"(?P<code>\w+) : (?P<message>.*)", re.DOTALL)
_NOT_TRIED = "the job ended before this row"


def read_row_error(text: str) -> Fault:
    """Give the first error of a row as any other answer would tell it; text of another form is kept whole."""
    match = _ROW_ERROR.match(text)
    if match is None:
        return fault_of(400, {"message": text or "the job's results name no reason"})
    fields = [name for name in re.split(r"[,\s]+", match["fields"]) if name]
    return fault_of(400, {"errorCode": match["code"], "message": match["message"], "fields": fields})


def read_job_error(text: object) -> Fault:
    """Give why a row was not tried. It may pass, unless the code says that it will not."""
    match = _JOB_ERROR.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return fault_of(500, {"message": text or _NOT_TRIED})
    return fault_of(500, {"errorCode": match["code"], "message": f"{_NOT_TRIED}: {match['message']}"})
