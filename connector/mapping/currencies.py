"""How many decimals the currencies of ISO 4217 have."""

from collections.abc import Mapping

from connector.mapping.words import UnfitError

_DECIMALS: Mapping[int, str] = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD "
    "CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD "
    "HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD "
    "MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON "
    "RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD "
    "TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_BY_CODE = {code: decimals for decimals, codes in _DECIMALS.items() for code in codes.split()}


def decimals_of(code: str) -> int:
    """Give the number of decimals of a currency: 2 for EUR, 0 for JPY, 3 for KWD.

    Raises: UnfitError for a code that ISO 4217 does not have: nothing is assumed about it.
    Source: ISO 4217, list one
    """
    decimals = _BY_CODE.get(code)
    if decimals is None:
        raise UnfitError("no currency of ISO 4217", "expected a code such as EUR")
    return decimals
