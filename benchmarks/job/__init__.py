"""The whole job: a Docflo and a Salesforce in processes of their own, the connector, and a script to beat."""
