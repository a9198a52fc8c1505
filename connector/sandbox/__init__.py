"""A Docflo, a Salesforce and ERPs on loopback, over real HTTP. Imports nothing from the rest of the package."""
