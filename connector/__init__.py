"""docflo-connector: approved documents from Docflo.ai into a CRM or ERP, exactly once."""

__version__ = "0.1.0"
