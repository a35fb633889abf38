-- Secured packets (ETSI TS 102 225) in short messages (3GPP TS 31.115), for tshark
-- and Wireshark 4. It reads the clear part of command and response packets, and all of
-- those that are not ciphered; it needs no keys and has none.
--
--   tshark -X lua_script:airtill.lua -d tcp.port==2775,smpp -r capture.pcapng -O scp80
--
-- A packet is found by its lengths in the body of a short message, put together or
-- not, whatever brought it: SMPP, GSM MAP, a bare TPDU.

local scp80 = Proto("scp80", "ETSI TS 102 225 Secured Packet")

local checks = { [0] = "none", [1] = "RC", [2] = "CC", [3] = "DS" }
local counters = {
  [0] = "no counter", [1] = "counter not checked",
  [2] = "process only if higher", [3] = "process only if one higher",
}
local por = { [0] = "no PoR", [1] = "PoR", [2] = "PoR on error", [3] = "reserved" }
local ciphers = {
  [0] = "known implicitly", [1] = "DES-CBC", [2] = "AES-CBC", [3] = "proprietary",
  [5] = "3DES-CBC, 2 keys", [9] = "3DES-CBC, 3 keys", [13] = "DES-ECB",
}
local macs = {
  [0] = "known implicitly", [1] = "DES CBC-MAC", [2] = "AES-CMAC", [3] = "proprietary",
  [5] = "3DES CBC-MAC, 2 keys", [9] = "3DES CBC-MAC, 3 keys",
}
local crcs = { [0] = "known implicitly", [1] = "CRC-16", [3] = "proprietary", [5] = "CRC-32" }
local statuses = {
  [0] = "PoR OK", [1] = "RC, CC or DS failed", [2] = "CNTR low", [3] = "CNTR high",
  [4] = "CNTR blocked", [5] = "ciphering error", [6] = "unidentified security error",
  [7] = "insufficient memory", [8] = "more time", [9] = "TAR unknown",
  [10] = "insufficient security level", [11] = "actual response in SMS-SUBMIT",
  [12] = "actual response in USSD",
}

local f = {
  cpl = ProtoField.uint16("scp80.cpl", "Command Packet Length (CPL)"),
  chl = ProtoField.uint8("scp80.chl", "Command Header Length (CHL)"),
  rpl = ProtoField.uint16("scp80.rpl", "Response Packet Length (RPL)"),
  rhl = ProtoField.uint8("scp80.rhl", "Response Header Length (RHL)"),
  spi = ProtoField.uint16("scp80.spi", "Security Parameter Indicator (SPI)", base.HEX),
  check = ProtoField.uint8("scp80.spi.check", "Integrity", base.DEC, checks, 0x03),
  ciphered = ProtoField.bool("scp80.spi.ciphered", "Ciphered", 8, nil, 0x04),
  counter = ProtoField.uint8("scp80.spi.counter", "Counter", base.DEC, counters, 0x18),
  reserved = ProtoField.uint8("scp80.spi.reserved", "Reserved", base.HEX, nil, 0xe0),
  por = ProtoField.uint8("scp80.spi.por", "Proof of Receipt", base.DEC, por, 0x03),
  por_check = ProtoField.uint8("scp80.spi.por_check", "PoR integrity", base.DEC, checks, 0x0c),
  por_ciphered = ProtoField.bool("scp80.spi.por_ciphered", "PoR ciphered", 8, nil, 0x10),
  por_submit = ProtoField.bool("scp80.spi.por_submit", "PoR in SMS-SUBMIT", 8, nil, 0x20),
  kic = ProtoField.uint8("scp80.kic", "Ciphering Key Identifier (KIc)", base.HEX),
  kic_set = ProtoField.uint8("scp80.kic.key_set", "Key set", base.DEC, nil, 0xf0),
  kic_algorithm = ProtoField.uint8("scp80.kic.algorithm", "Algorithm", base.HEX, ciphers, 0x0f),
  kid = ProtoField.uint8("scp80.kid", "Integrity Key Identifier (KID)", base.HEX),
  kid_set = ProtoField.uint8("scp80.kid.key_set", "Key set", base.DEC, nil, 0xf0),
  kid_mac = ProtoField.uint8("scp80.kid.algorithm", "Algorithm", base.HEX, macs, 0x0f),
  kid_crc = ProtoField.uint8("scp80.kid.crc", "Algorithm", base.HEX, crcs, 0x0f),
  tar = ProtoField.uint24("scp80.tar", "Toolkit Application Reference (TAR)", base.HEX),
  secured = ProtoField.bytes("scp80.secured", "Secured part, ciphered"),
  cntr = ProtoField.uint64("scp80.cntr", "Counter (CNTR)"),
  pcntr = ProtoField.uint8("scp80.pcntr", "Padding Counter (PCNTR)"),
  status = ProtoField.uint8("scp80.status", "Status", base.HEX, statuses),
  cc = ProtoField.bytes("scp80.cc", "RC, CC or DS"),
  data = ProtoField.bytes("scp80.data", "Secured data"),
}
scp80.fields = f

local part = ProtoExpert.new("scp80.part", "The rest of this packet is in other short messages",
  expert.group.REASSEMBLE, expert.severity.NOTE)
local weak = ProtoExpert.new("scp80.weak", "No cryptographic checksum, or single DES",
  expert.group.SECURITY, expert.severity.WARN)
scp80.experts = { part, weak }

-- What CHL and RHL count beside a check of 0, 2, 4 or 8 octets.
local base_chl, base_rhl = 13, 10

local function is_length(length, least)
  local check = length - least
  return check == 0 or check == 2 or check == 4 or check == 8
end

-- in_clear shows counter, check and data of what is not ciphered.
local function in_clear(tree, range, check, response)
  tree:add(f.cntr, range(0, 5), range(0, 5):uint64())
  tree:add(f.pcntr, range(5, 1))
  local at = 6
  if response then
    tree:add(f.status, range(6, 1))
    at = 7
  end
  if check > 0 then
    tree:add(f.cc, range(at, check))
    at = at + check
  end
  if range:len() > at then
    tree:add(f.data, range(at))
  end
end

local function show_spi(tree, range)
  local spi = tree:add(f.spi, range)
  for _, field in ipairs({ f.check, f.ciphered, f.counter, f.reserved }) do
    spi:add(field, range(0, 1))
  end
  for _, field in ipairs({ f.por, f.por_check, f.por_ciphered, f.por_submit }) do
    spi:add(field, range(1, 1))
  end
end

local function command(tree, range, whole)
  local check = range(2, 1):uint() - base_chl
  local spi, kic, kid = range(3, 1):uint(), range(5, 1):uint(), range(6, 1):uint()
  local kind = bit.band(spi, 3)
  tree:append_text(", Command")
  tree:add(f.cpl, range(0, 2))
  tree:add(f.chl, range(2, 1))
  show_spi(tree, range(3, 2))
  local key = tree:add(f.kic, range(5, 1))
  key:add(f.kic_set, range(5, 1))
  key:add(f.kic_algorithm, range(5, 1))
  key = tree:add(f.kid, range(6, 1))
  key:add(f.kid_set, range(6, 1))
  key:add(kind == 1 and f.kid_crc or f.kid_mac, range(6, 1))
  tree:add(f.tar, range(7, 3))
  local des = bit.band(kic, 15) == 1 or bit.band(kic, 15) == 13 or kind == 2 and bit.band(kid, 15) == 1
  if kind ~= 2 or des then
    tree:add_proto_expert_info(weak)
  end
  if bit.band(spi, 4) ~= 0 or not whole then
    tree:add(f.secured, range(10))
  else
    in_clear(tree, range(10), check, false)
  end
end

-- A response does not say whether it is ciphered. One that is not has no padding, and
-- a status that there is.
local function response(tree, range, whole)
  tree:append_text(", Response")
  tree:add(f.rpl, range(0, 2))
  tree:add(f.rhl, range(2, 1))
  tree:add(f.tar, range(3, 3))
  if whole and range(11, 1):uint() == 0 and statuses[range(12, 1):uint()] then
    in_clear(tree, range(6), range(2, 1):uint() - base_rhl, true)
  else
    tree:add(f.secured, range(6))
  end
end

local function packet(range, tree)
  local n = range:len()
  if n < 13 then
    return
  end
  local length, header = range(0, 2):uint(), range(2, 1):uint()
  local whole = length == n - 2
  local kind = is_length(header, base_chl) and command or is_length(header, base_rhl) and response
  if not kind or length < n - 2 or not whole and n < 120 or whole and header > n - 3 then
    return
  end
  local subtree = tree:add(scp80, range)
  kind(subtree, range, whole)
  if not whole then
    subtree:add_proto_expert_info(part)
  end
end

local short_msg = Field.new("gsm_sms_ud.short_msg")

function scp80.dissector(_, _, tree)
  for _, body in ipairs({ short_msg() }) do
    packet(body.range, tree)
  end
end

register_postdissector(scp80)
