"""The promises that every provider keeps, held against each registered one; no provider is named here."""
