"""Texts that break careless programs: scripts, directions, quotes, line breaks, characters beyond 16 bits."""

COMPANIES = (
    "Northwind Industrial Supply Ltd",
    "אבני דרך לוגיסטיקה בע״מ",
    "Société Générale des Câbles à Façon",
    "株式会社さくら電機",
    "Sunrise Bakery 🥐 Wholesale",
    "Straßenbau Größe & Überland GmbH",
    "\u200fמאפיית הגליל בע״מ\u200e (IL)",  # noqa: RUF001 meant
    "𠮷野家具株式会社",
    'The "Fresh & Fast" Grocers\' Union',
    "上海智能设备有限公司",
    "Łódzkie Zakłady Żelazne S.A.",
    "شركة الواحة للتجارة",
    "Ørsted Skibsværft A/S",
    "Čokoládovna Šťastný Jeřáb",
)

DESCRIPTIONS = (
    "Hex bolt M8 x 40, zinc plated",
    "ייעוץ הנדסי, 3 שעות",
    "Crème brûlée, boîte de 12",
    "USB-C ケーブル 2m",
    "Paper cups ☕ 250 ml",
    "Installation & commissioning\n(second floor, server room)",
    'Monitor 27" "Pro" with stand',
    "Cable 5% slack; cut to length, <do not coil>",
    "\u200eSKU-77\u200f מארז קרטון",
    "Party hats 🎉🎩 assorted",
    "𝔊othic lettering plate",  # noqa: RUF001 meant
    "Prüfgerät für Höchstspannung",
    "Service\tcontract, 1/4 year",
    "服务器机架 42U",
    "5' hose \\ 3/4 in. coupling",
    "Zażółć gęślą jaźń, print",
)

CREDIT = "Credit for returned goods"
UNITS = ("pcs", "kg", "hours", "יח׳", "m²", "box")  # noqa: RUF001 meant
