package smpp

import "bytes"

func (b *Bind) appendBody(e *encoder, _ Status) {
	e.text(&fieldSystemID, b.SystemID)
	e.text(&fieldPassword, string(b.Password))
	e.text(&fieldSystemType, b.SystemType)
	e.b = append(e.b, b.InterfaceVersion, b.AddrTON, b.AddrNPI)
	e.text(&fieldAddressRange, b.AddressRange)
	b.TLVs.append(e)
}

func (b *Bind) decodeBody(d *decoder, _ Status) {
	b.SystemID = d.text(&fieldSystemID)
	b.Password = Password(d.text(&fieldPassword))
	b.SystemType = d.text(&fieldSystemType)
	b.InterfaceVersion, b.AddrTON, b.AddrNPI = d.uint8(), d.uint8(), d.uint8()
	b.AddressRange = d.text(&fieldAddressRange)
	b.TLVs = d.tlvs()
}

func (b *BindResp) appendBody(e *encoder, s Status) {
	if s != ROK {
		return
	}
	e.text(&fieldSystemID, b.SystemID)
	b.TLVs.append(e)
}

// decodeBody takes a missing body from peers that answer without one.
func (b *BindResp) decodeBody(d *decoder, _ Status) {
	if len(d.rest) == 0 {
		return
	}
	b.SystemID = d.text(&fieldSystemID)
	b.TLVs = d.tlvs()
}

func (b *BindReceiver) appendBody(e *encoder, s Status)        { (*Bind)(b).appendBody(e, s) }
func (b *BindReceiver) decodeBody(d *decoder, s Status)        { (*Bind)(b).decodeBody(d, s) }
func (b *BindTransmitter) appendBody(e *encoder, s Status)     { (*Bind)(b).appendBody(e, s) }
func (b *BindTransmitter) decodeBody(d *decoder, s Status)     { (*Bind)(b).decodeBody(d, s) }
func (b *BindTransceiver) appendBody(e *encoder, s Status)     { (*Bind)(b).appendBody(e, s) }
func (b *BindTransceiver) decodeBody(d *decoder, s Status)     { (*Bind)(b).decodeBody(d, s) }
func (b *BindReceiverResp) appendBody(e *encoder, s Status)    { (*BindResp)(b).appendBody(e, s) }
func (b *BindReceiverResp) decodeBody(d *decoder, s Status)    { (*BindResp)(b).decodeBody(d, s) }
func (b *BindTransmitterResp) appendBody(e *encoder, s Status) { (*BindResp)(b).appendBody(e, s) }
func (b *BindTransmitterResp) decodeBody(d *decoder, s Status) { (*BindResp)(b).decodeBody(d, s) }
func (b *BindTransceiverResp) appendBody(e *encoder, s Status) { (*BindResp)(b).appendBody(e, s) }
func (b *BindTransceiverResp) decodeBody(d *decoder, s Status) { (*BindResp)(b).decodeBody(d, s) }

func (m *SubmitSM) appendBody(e *encoder, _ Status) {
	e.text(&fieldServiceType, m.ServiceType)
	e.address(&fieldSource, &m.Source)
	e.address(&fieldDestination, &m.Destination)
	m.appendRest(e)
}

func (m *SubmitSM) decodeBody(d *decoder, _ Status) {
	m.ServiceType = d.text(&fieldServiceType)
	m.Source = d.address(&fieldSource)
	m.Destination = d.address(&fieldDestination)
	m.decodeRest(d)
}

// appendRest writes what follows the addresses, as in a submit_multi.
func (m *SubmitSM) appendRest(e *encoder) {
	e.b = append(e.b, m.ESMClass, m.ProtocolID, m.PriorityFlag)
	e.time(&fieldSchedule, m.ScheduleDeliveryTime)
	e.time(&fieldValidity, m.ValidityPeriod)
	e.b = append(e.b, m.RegisteredDelivery, m.ReplaceIfPresent, m.DataCoding, m.SMDefaultMsgID)
	e.content(m.ShortMessage, m.TLVs)
}

func (m *SubmitSM) decodeRest(d *decoder) {
	b := d.octets(3)
	m.ESMClass, m.ProtocolID, m.PriorityFlag = b[0], b[1], b[2]
	m.ScheduleDeliveryTime = d.time(&fieldSchedule)
	m.ValidityPeriod = d.time(&fieldValidity)
	b = d.octets(4)
	m.RegisteredDelivery, m.ReplaceIfPresent, m.DataCoding, m.SMDefaultMsgID = b[0], b[1], b[2], b[3]
	m.ShortMessage, m.TLVs = d.content()
}

func (m *DeliverSM) appendBody(e *encoder, s Status) { (*SubmitSM)(m).appendBody(e, s) }
func (m *DeliverSM) decodeBody(d *decoder, s Status) { (*SubmitSM)(m).decodeBody(d, s) }

func (r *SubmitSMResp) appendBody(e *encoder, s Status) {
	if s != ROK {
		return
	}
	e.text(&fieldMessageID, r.MessageID)
	r.TLVs.append(e)
}

// decodeBody takes a missing body from peers that answer without one.
func (r *SubmitSMResp) decodeBody(d *decoder, _ Status) {
	if len(d.rest) == 0 {
		return
	}
	r.MessageID = d.text(&fieldMessageID)
	r.TLVs = d.tlvs()
}

func (r *DeliverSMResp) appendBody(e *encoder, _ Status) {
	e.text(&fieldMessageID, r.MessageID)
	r.TLVs.append(e)
}

// decodeBody takes a missing body from peers that answer without one.
func (r *DeliverSMResp) decodeBody(d *decoder, s Status) { (*SubmitSMResp)(r).decodeBody(d, s) }

func (*EnquireLink) appendBody(*encoder, Status)     {}
func (*EnquireLink) decodeBody(d *decoder, _ Status) { d.end() }
func (*EnquireLinkResp) appendBody(*encoder, Status) {}
func (*EnquireLinkResp) decodeBody(*decoder, Status) {}
func (*Unbind) appendBody(*encoder, Status)          {}
func (*Unbind) decodeBody(d *decoder, _ Status)      { d.end() }
func (*UnbindResp) appendBody(*encoder, Status)      {}
func (*UnbindResp) decodeBody(*decoder, Status)      {}
func (*GenericNack) appendBody(*encoder, Status)     {}
func (*GenericNack) decodeBody(*decoder, Status)     {}
func (u *Unknown) appendBody(e *encoder, _ Status)   { e.b = append(e.b, u.Octets...) }
func (u *Unknown) decodeBody(d *decoder, _ Status)   { u.Octets = bytes.Clone(d.rest) }
