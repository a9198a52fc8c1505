"""A Docflo, a Salesforce and ERPs on loopback. Imports nothing from the rest of the package."""
