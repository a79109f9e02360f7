"""The values that flow through Proofload: frozen, slotted, checked when made. Pure: no I/O, no clock."""
