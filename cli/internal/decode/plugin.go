package decode

import _ "embed" // the dissector

// TsharkPlugin is a dissector of secured packets for tshark and Wireshark, in Lua.
//
//go:embed scp80.lua
var TsharkPlugin string
