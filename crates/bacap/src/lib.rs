//! BACAP: blinded, signed and encrypted boxes at unlinkable addresses, as the Katzenpost mix network uses them.
