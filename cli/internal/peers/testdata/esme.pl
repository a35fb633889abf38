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
        deliver($pdu, $pdu->{short_message});
    } elsif ($cmd == Net::SMPP::CMD_data_sm) {
        $smpp->data_sm_resp(seq => $pdu->{seq}, message_id => '');
        deliver($pdu, $pdu->{message_payload});
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
    my ($pdu, $octets) = @_;
    my $text = decode($pdu->{data_coding} == 8 ? 'UTF-16BE' : 'gsm0338', $octets);
    my %what = (
        from => $pdu->{source_addr}, to => $pdu->{destination_addr}, text => $text,
        coding => $pdu->{data_coding}, service => $pdu->{service_type},
    );
    if (defined $pdu->{its_session_info}) {
        $what{op} = unpack 'C', $pdu->{ussd_service_op};
        $what{session} = unpack 'H*', $pdu->{its_session_info};
    }
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
    my @from = (source_addr_ton => 1, source_addr_npi => 1, source_addr => $config->{number});
    my @to = (dest_addr_ton => 1, dest_addr_npi => 1, destination_addr => $order->{to});
    my @at = (schedule_delivery_time => $order->{at} // '');
    my ($coding, $octets) = encoded($order->{text} // '');
    my @text = (data_coding => $coding, short_message => $octets, registered_delivery => 1);
    my %orders = (
        submit => sub { ask('submit_sm', { @from, @to, @at, @text }, \&submitted) },
        data => sub { ask('data_sm', { @from, @to, data_coding => $coding, registered_delivery => 1, message_payload => $octets }, \&submitted) },
        ussd => sub {
            ask('submit_sm', {
                @from, @to, @text, service_type => 'USSD', registered_delivery => 0,
                ussd_service_op => pack('C', $order->{op}), its_session_info => pack('H*', $order->{session}),
            }, \&submitted);
        },
        multi => sub {
            my @one = (1) x @{ $order->{all} };
            ask('submit_multi', { @from, @text, dest_addr_ton => \@one, dest_addr_npi => \@one, destination_addr => $order->{all} }, \&submitted);
        },
        query => sub {
            ask('query_sm', { @from, message_id => $order->{id} },
                sub { told('queried', state => $_[0]{message_state}, final => $_[0]{final_date}) });
        },
        replace => sub {
            ask('replace_sm', { @from, @at, message_id => $order->{id}, registered_delivery => 1, short_message => $octets },
                sub { told('replaced') });
        },
        cancel => sub { ask('cancel_sm', { @from, @to, message_id => $order->{id} }, sub { told('cancelled') }) },
        unbind => sub { ask('unbind', {}, sub { told('unbound') }) },
    );
    my $do = $orders{ $order->{do} } or return told('error', text => "no such order: $order->{do}");
    $do->();
}

# submitted tells of a message that was taken, and the destinations of a submit_multi that are refused.
sub submitted {
    my ($response) = @_;
    my %failed;
    @failed{ @{ $response->{destination_addr} } } = @{ $response->{error_status_code} } if $response->{no_unsuccess};
    told('submitted', id => $response->{message_id}, failed => \%failed);
}

# encoded is a text's data_coding and octets: GSM 03.38 where that can hold it.
sub encoded {
    my ($text) = @_;
    my $octets = eval { encode('gsm0338', $text, Encode::FB_CROAK | Encode::LEAVE_SRC) };
    return defined $octets ? (0, $octets) : (8, encode('UTF-16BE', $text));
}
