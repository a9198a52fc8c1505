"""A Docflo and a Salesforce on loopback, over real HTTP. Imports nothing from the rest of the package."""
