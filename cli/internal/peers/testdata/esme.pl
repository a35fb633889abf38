# An SMPP client that nobody here wrote, driven from a Go test: Net::SMPP does the
# protocol, this file only turns lines of JSON on stdin into requests and what
# arrives into lines of JSON on stdout. The lines are those of esme.js.
use strict;
use warnings;
use Encode qw(decode encode);
use IO::Select;
use JSON::PP;
use Net::SMPP;

my $json = JSON::PP->new->utf8->ascii;
my $config = $json->decode($ARGV[0]);
$| = 1;

sub told {
    my ($event, %more) = @_;
    print $json->encode({ event => $event, %more }), "\n";
}

told('loaded', text => "Net::SMPP $Net::SMPP::VERSION");
exit 0 unless $config->{addr};

# Whatever Net::SMPP warns of is an error here, but for the end of the connection.
$SIG{__WARN__} = sub { told('error', text => "$_[0]") unless $_[0] =~ /^premature eof reading from socket/ };

my ($host, $port) = $config->{addr} =~ /^(.*):(\d+)$/;
my $smpp = Net::SMPP->new_connect($host, port => $port, smpp_version => 0x34, interface_version => 0x34, async => 1)
  or do { told('error', text => "connect: $!"); exit 1 };
my %asked;    # what is done with a response, by its sequence number
ask('bind_transceiver', { system_id => $config->{system_id}, password => $config->{password}, system_type => '' },
    sub { told('bound', from => $_[0]{system_id}) });

my $orders = '';
my $watched = IO::Select->new($smpp, \*STDIN);
while (1) {
    for my $ready ($watched->can_read) {
        $ready == $smpp ? take() : listen_to_orders();
    }
}

sub closed { told('closed'); exit 0 }

# ask sends a request. A response of status 0 goes to what is done then, another is a refusal.
sub ask {
    my ($operation, $fields, $then) = @_;
    my $sequence = $smpp->$operation(%$fields);
    $asked{$sequence} = sub {
        my ($response) = @_;
        $response->{status} == 0 ? $then->($response) : told('refused', status => $response->{status});
    };
}

# take reads a PDU, and answers it if it is a request.
sub take {
    my $pdu = $smpp->read_pdu or closed();
    my $cmd = $pdu->{cmd};
    if (exists $asked{ $pdu->{seq} } && $cmd & 0x80000000) {
        delete($asked{ $pdu->{seq} })->($pdu);
    } elsif ($cmd == Net::SMPP::CMD_deliver_sm) {
        $smpp->deliver_sm_resp(seq => $pdu->{seq}, message_id => '');
        deliver($pdu);
    } elsif ($cmd == Net::SMPP::CMD_enquire_link) {
        $smpp->enquire_link_resp(seq => $pdu->{seq});
    } elsif ($cmd == Net::SMPP::CMD_unbind) {
        $smpp->unbind_resp(seq => $pdu->{seq});
        closed();
    } else {
        told('error', text => sprintf('command_id %#x, sequence_number %d', $cmd, $pdu->{seq}));
    }
}

# deliver tells receipts (esm_class message type 0001) from messages.
sub deliver {
    my ($pdu) = @_;
    my $text = decode($pdu->{data_coding} == 8 ? 'UTF-16BE' : 'gsm0338', $pdu->{short_message});
    my %what = (from => $pdu->{source_addr}, to => $pdu->{destination_addr}, text => $text, coding => $pdu->{data_coding});
    if (($pdu->{esm_class} & 0x3c) == 0x04) {
        my %field = map { $_ => $text =~ /\b$_:(\S*)/ } qw(id stat);
        told('receipt', %what, %field);
    } else {
        told('message', %what);
    }
}

sub listen_to_orders {
    sysread(STDIN, $orders, 65536, length $orders) or closed();
    obey($json->decode($1)) while $orders =~ s/^(.*)\n//;
}

sub obey {
    my ($order) = @_;
    if ($order->{do} eq 'submit') {
        ask('submit_sm', { from_us(), to_them($order->{to}), text($order->{text}), registered_delivery => 1 },
            sub { told('submitted', id => $_[0]{message_id}) });
    } elsif ($order->{do} eq 'unbind') {
        ask('unbind', {}, sub { told('unbound', status => $_[0]{status}) });
    }
}

sub from_us { (source_addr_ton => 1, source_addr_npi => 1, source_addr => $config->{number}) }
sub to_them { (dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $_[0]) }

# text is a short message in GSM 03.38 where that can hold it.
sub text {
    my ($text) = @_;
    my $octets = eval { encode('gsm0338', $text, Encode::FB_CROAK | Encode::LEAVE_SRC) };
    return defined $octets ? (data_coding => 0, short_message => $octets) : (data_coding => 8, short_message => encode('UTF-16BE', $text));
}
