package smpp

import "encoding/binary"

func (m *SubmitMulti) appendBody(e *encoder, _ Status) {
	e.text(&fieldServiceType, m.Message.ServiceType)
	e.address(&fieldSource, &m.Message.Source)
	if n := len(m.Destinations); n == 0 || n > MaxDestinations {
		e.fail(RINVNUMDESTS, "number_of_dests")
		return
	}
	e.b = append(e.b, uint8(len(m.Destinations)))
	for i := range m.Destinations {
		m.Destinations[i].append(e)
	}
	m.Message.appendRest(e)
}

func (m *SubmitMulti) decodeBody(d *decoder, _ Status) {
	m.Message.ServiceType = d.text(&fieldServiceType)
	m.Message.Source = d.address(&fieldSource)
	n := int(d.uint8())
	if n == 0 || n > MaxDestinations {
		d.fail(RINVNUMDESTS, "number_of_dests")
	}
	for ; n > 0 && d.err == nil; n-- {
		m.Destinations = append(m.Destinations, d.destination())
	}
	m.Message.decodeRest(d)
}

func (t *Destination) append(e *encoder) {
	if t.List != "" {
		e.b = append(e.b, destinationList)
		e.text(&fieldListName, t.List)
		return
	}
	e.b = append(e.b, destinationSME)
	e.address(&fieldDestination, &t.Address)
}

func (d *decoder) destination() (t Destination) {
	switch flag := d.uint8(); {
	case d.err != nil:
	case flag == destinationSME:
		t.Address = d.address(&fieldDestination)
	case flag == destinationList:
		if t.List = d.text(&fieldListName); t.List == "" {
			d.fail(fieldListName.status, fieldListName.name)
		}
	default:
		d.fail(RINVDESTFLAG, "dest_flag")
	}
	return t
}

func (r *SubmitMultiResp) appendBody(e *encoder, _ Status) {
	e.text(&fieldMessageID, r.MessageID)
	if len(r.Unsuccessful) > MaxDestinations {
		e.fail(RINVNUMDESTS, "no_unsuccess")
		return
	}
	e.b = append(e.b, uint8(len(r.Unsuccessful)))
	for i := range r.Unsuccessful {
		e.address(&fieldDestination, &r.Unsuccessful[i].Address)
		e.b = binary.BigEndian.AppendUint32(e.b, uint32(r.Unsuccessful[i].Status))
	}
	r.TLVs.append(e)
}

// decodeBody takes a missing body from peers that answer without one.
func (r *SubmitMultiResp) decodeBody(d *decoder, _ Status) {
	if len(d.rest) == 0 {
		return
	}
	r.MessageID = d.text(&fieldMessageID)
	n := int(d.uint8())
	if n > MaxDestinations {
		d.fail(RINVNUMDESTS, "no_unsuccess")
	}
	for ; n > 0 && d.err == nil; n-- {
		r.Unsuccessful = append(r.Unsuccessful, Unsuccessful{d.address(&fieldDestination), Status(d.uint32())})
	}
	r.TLVs = d.tlvs()
}

func (m *DataSM) appendBody(e *encoder, _ Status) {
	e.text(&fieldServiceType, m.ServiceType)
	e.address(&fieldLongSource, &m.Source)
	e.address(&fieldLongDestination, &m.Destination)
	e.b = append(e.b, m.ESMClass, m.RegisteredDelivery, m.DataCoding)
	m.TLVs.append(e)
}

func (m *DataSM) decodeBody(d *decoder, _ Status) {
	m.ServiceType = d.text(&fieldServiceType)
	m.Source = d.address(&fieldLongSource)
	m.Destination = d.address(&fieldLongDestination)
	m.ESMClass, m.RegisteredDelivery, m.DataCoding = d.uint8(), d.uint8(), d.uint8()
	m.TLVs = d.tlvs()
}

// A data_sm_resp of an error has its body: the parameters in it say why, §4.7.2.
func (r *DataSMResp) appendBody(e *encoder, _ Status) {
	e.text(&fieldMessageID, r.MessageID)
	r.TLVs.append(e)
}

// decodeBody takes a missing body from peers that answer without one.
func (r *DataSMResp) decodeBody(d *decoder, s Status) { (*SubmitSMResp)(r).decodeBody(d, s) }

func (q *QuerySM) appendBody(e *encoder, _ Status) {
	e.text(&fieldMessageID, q.MessageID)
	e.address(&fieldSource, &q.Source)
	q.TLVs.append(e)
}

func (q *QuerySM) decodeBody(d *decoder, _ Status) {
	q.MessageID = d.text(&fieldMessageID)
	q.Source = d.address(&fieldSource)
	q.TLVs = d.tlvs()
}

func (r *QuerySMResp) appendBody(e *encoder, _ Status) {
	e.text(&fieldMessageID, r.MessageID)
	e.time(&fieldFinalDate, r.FinalDate)
	e.b = append(e.b, r.State, r.ErrorCode)
	r.TLVs.append(e)
}

// decodeBody takes a missing body from peers that answer without one.
func (r *QuerySMResp) decodeBody(d *decoder, _ Status) {
	if len(d.rest) == 0 {
		return
	}
	r.MessageID = d.text(&fieldMessageID)
	r.FinalDate = d.time(&fieldFinalDate)
	r.State, r.ErrorCode = d.uint8(), d.uint8()
	r.TLVs = d.tlvs()
}

func (c *CancelSM) appendBody(e *encoder, _ Status) {
	e.text(&fieldServiceType, c.ServiceType)
	e.text(&fieldMessageID, c.MessageID)
	e.address(&fieldSource, &c.Source)
	e.address(&fieldDestination, &c.Destination)
	c.TLVs.append(e)
}

func (c *CancelSM) decodeBody(d *decoder, _ Status) {
	c.ServiceType = d.text(&fieldServiceType)
	c.MessageID = d.text(&fieldMessageID)
	c.Source = d.address(&fieldSource)
	c.Destination = d.address(&fieldDestination)
	c.TLVs = d.tlvs()
}

func (r *ReplaceSM) appendBody(e *encoder, _ Status) {
	e.text(&fieldMessageID, r.MessageID)
	e.address(&fieldSource, &r.Source)
	e.time(&fieldSchedule, r.ScheduleDeliveryTime)
	e.time(&fieldValidity, r.ValidityPeriod)
	e.b = append(e.b, r.RegisteredDelivery, r.SMDefaultMsgID)
	e.content(r.ShortMessage, r.TLVs)
}

func (r *ReplaceSM) decodeBody(d *decoder, _ Status) {
	r.MessageID = d.text(&fieldMessageID)
	r.Source = d.address(&fieldSource)
	r.ScheduleDeliveryTime = d.time(&fieldSchedule)
	r.ValidityPeriod = d.time(&fieldValidity)
	r.RegisteredDelivery, r.SMDefaultMsgID = d.uint8(), d.uint8()
	r.ShortMessage, r.TLVs = d.content()
}

func (o *Outbind) appendBody(e *encoder, _ Status) {
	e.text(&fieldSystemID, o.SystemID)
	e.text(&fieldPassword, string(o.Password))
	o.TLVs.append(e)
}

func (o *Outbind) decodeBody(d *decoder, _ Status) {
	o.SystemID = d.text(&fieldSystemID)
	o.Password = Password(d.text(&fieldPassword))
	o.TLVs = d.tlvs()
}

func (a *AlertNotification) appendBody(e *encoder, _ Status) {
	e.address(&fieldLongSource, &a.Source)
	e.address(&fieldESME, &a.ESME)
	a.TLVs.append(e)
}

func (a *AlertNotification) decodeBody(d *decoder, _ Status) {
	a.Source = d.address(&fieldLongSource)
	a.ESME = d.address(&fieldESME)
	a.TLVs = d.tlvs()
}

func (*CancelSMResp) appendBody(*encoder, Status)  {}
func (*CancelSMResp) decodeBody(*decoder, Status)  {}
func (*ReplaceSMResp) appendBody(*encoder, Status) {}
func (*ReplaceSMResp) decodeBody(*decoder, Status) {}
