package scp80

// Admits tells whether the lengths and the clear header of a command packet are what the
// profile asks for. It uses no key: a receiver asks it before it looks for any.
func (p Profile) Admits(packet []byte) bool {
	f := p.command()
	return f.look(packet) == ReasonNone
}
