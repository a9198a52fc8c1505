"""A Salesforce org on loopback: the endpoints, shapes, codes and limits that a delivery meets.

Written from Salesforce's documents and recorded traffic. Where those are silent, it is the stricter of the
readings, never the kinder.
"""

from connector.sandbox.salesforce.errors import ApiError
from connector.sandbox.salesforce.sandbox import SalesforceSandbox

__all__ = ["ApiError", "SalesforceSandbox"]
