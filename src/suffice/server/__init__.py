"""HTTP <-> pipeline, and nothing else: no decision is made here."""
