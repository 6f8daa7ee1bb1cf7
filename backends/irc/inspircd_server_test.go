package irc_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/notifyd/notifyd/internal/exectest"
)

// An inspircd is a running InspIRCd, which has labeled-response and echo-message, and the default flood limits.
type inspircd struct {
	*exectest.Child
	port, tlsPort, linkPort string
	ca                      string // file of the private authority that signed its certificate
}

func startInspircd(t *testing.T) *inspircd {
	t.Helper()
	return startInspircdWith(t, "")
}

// unlimited lets a client say what it likes. The default lets it say ten lines, and then one a second.
const unlimited = `fakelag="no" commandrate="1000000" threshold="10000" recvq="1048576"`

// startInspircdWith starts it with more in the <connect> block of its configuration.
func startInspircdWith(t *testing.T, limits string) *inspircd {
	t.Helper()
	program, dir := exectest.Program(t, "/usr/sbin/inspircd"), tempDir(t)
	s := &inspircd{port: freePort(t), tlsPort: freePort(t), linkPort: freePort(t), ca: filepath.Join(dir, "ca.pem")}
	certify(t, dir)
	conf := filepath.Join(dir, "inspircd.conf")
	write(t, conf, fmt.Sprintf(`
<server name="irc.example.org" description="test" network="Test" id="1AA">
<admin name="test" nick="test" email="test@example.org">
<dns server="127.0.0.1" timeout="1">
<options prefixquit="Quit: ">
<log method="file" level="debug" type="* -USERINPUT -USEROUTPUT" target="%[1]s/inspircd.log">
<pid file="%[1]s/pid">
<module name="spanningtree"><module name="services_account"><module name="sasl"><module name="cap"><module name="hidechans">
<module name="servprotect"><module name="globops"><module name="ircv3"><module name="svshold"><module name="chghost">
<module name="ircv3_batch"><module name="ircv3_labeledresponse"><module name="ircv3_echomessage"><module name="ircv3_ctctags">
<module name="ircv3_servertime"><module name="ircv3_accounttag"><module name="ircv3_chghost"><module name="monitor">
<module name="callerid"><module name="ssl_gnutls"><module name="sslinfo"><module name="vhost">
<sslprofile name="main" provider="gnutls" certfile="%[1]s/cert.pem" keyfile="%[1]s/key.pem">
<bind address="127.0.0.1" port="%[2]s" type="clients">
<bind address="127.0.0.1" port="%[3]s" type="clients" sslprofile="main">
<bind address="127.0.0.1" port="%[4]s" type="servers">
<connect allow="*" useident="no" resolvehostnames="no" modes="+i" localmax="100" globalmax="100" %[5]s>
<vhost user="vhost" pass="vhost" host="a.much.longer.host.name.that.appears.later.example.org">
<sasl target="services.example.org">
<uline server="services.example.org" silent="yes">
<link name="services.example.org" ipaddr="127.0.0.1" allowmask="127.0.0.1" port="%[4]s" sendpass="link" recvpass="link">
`, dir, s.port, s.tlsPort, s.linkPort, limits))
	args := []string{"--nofork", "--nolog", "--config=" + conf}
	if os.Getuid() == 0 {
		args = append(args, "--runasroot")
	}
	s.Child = start(t, dir, program, args...)
	s.Listening(t, "127.0.0.1:"+s.port)
	return s
}

// certify writes a private authority and a certificate for 127.0.0.1 into dir: ca.pem, cert.pem, key.pem.
func certify(t *testing.T, dir string) {
	t.Helper()
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		IsCA:                  true,
		BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, NotAfter: time.Now().Add(time.Hour)}
	server := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "irc.example.org"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	authorityKey, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	serverKey, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	authorityDER, err3 := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	serverDER, err4 := x509.CreateCertificate(rand.Reader, server, authority, &serverKey.PublicKey, authorityKey)
	keyDER, err5 := x509.MarshalPKCS8PrivateKey(serverKey)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, block := range map[string]*pem.Block{"ca.pem": {Type: "CERTIFICATE", Bytes: authorityDER},
		"cert.pem": {Type: "CERTIFICATE", Bytes: serverDER}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		write(t, filepath.Join(dir, name), string(pem.EncodeToMemory(block)))
	}
}

// startAtheme links services to the server: NickServ and SASL.
func startAtheme(t *testing.T, s *inspircd) {
	t.Helper()
	program, dir := exectest.Program(t, "atheme-services"), tempDir(t)
	conf := filepath.Join(dir, "atheme.conf")
	modules := ""
	for _, m := range strings.Fields("protocol/inspircd backend/opensex crypto/pbkdf2v2 nickserv/main nickserv/identify " +
		"nickserv/register nickserv/info nickserv/set_core nickserv/ghost saslserv/main saslserv/plain") {
		modules += fmt.Sprintf("loadmodule \"modules/%s\";\n", m)
	}
	write(t, conf, modules+fmt.Sprintf(`
serverinfo {
	name = "services.example.org"; desc = "services"; numeric = "2BB"; recontime = 1; netname = "Test";
	hidehostsuffix = "users.example.org"; adminname = "test"; adminemail = "test@example.org"; registeremail = "test@example.org";
	mta = "/bin/true"; loglevel = { error; info; }; maxcertfp = 0; maxlogins = 9; maxusers = 9; maxnicks = 9; maxchans = 9;
	emaillimit = 100; emailtime = 300; auth = none; casemapping = rfc1459;
};
uplink "irc.example.org" { host = "127.0.0.1"; port = %s; send_password = "link"; receive_password = "link"; };
nickserv { spam; nick = "NickServ"; user = "NickServ"; host = "services.example.org"; real = "services"; };
saslserv { nick = "SaslServ"; user = "SaslServ"; host = "services.example.org"; real = "services"; };
general { flood_msgs = 0; commit_interval = 5; };
`, s.linkPort))
	args := []string{"-n", "-c", conf, "-D", dir, "-p", filepath.Join(dir, "pid"), "-l", filepath.Join(dir, "log")}
	if os.Getuid() == 0 {
		args = append(args, "-r")
	}
	c := start(t, dir, program, args...)
	r := join(t, "127.0.0.1:"+s.port, "probe")
	exectest.Eventually(t, patience, "services", func() bool {
		if !c.Alive() {
			t.Fatal("atheme ended")
		}
		r.say("WHOIS NickServ")
		line := r.await(t, func(l string) bool { return strings.Contains(l, " 318 ") || strings.Contains(l, " 311 ") })
		return strings.Contains(line, " 311 ")
	})
	r.quit()
}

// register makes an account of the person's nick.
func (r *reader) register(t *testing.T, password string) {
	t.Helper()
	mailbox := strings.Trim(strings.NewReplacer("[", "", "]", "", "{", "", "}", "").Replace(r.nick), "_")
	r.say("PRIVMSG NickServ :REGISTER " + password + " " + mailbox + "@example.org")
	r.await(t, func(l string) bool { return strings.Contains(l, " 900 ") })
}
