//! The denial chains of the example zones of two RFCs.

/// RFC 4035 Appendix A: the chain of its zone `example`.
pub(super) const RFC_4035: &str = "\
example. NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY
a.example. NSEC ai.example. NS DS RRSIG NSEC
ai.example. NSEC b.example. A HINFO AAAA RRSIG NSEC
b.example. NSEC ns1.example. NS RRSIG NSEC
ns1.example. NSEC ns2.example. A RRSIG NSEC
ns2.example. NSEC *.w.example. A RRSIG NSEC
*.w.example. NSEC x.w.example. MX RRSIG NSEC
x.w.example. NSEC x.y.w.example. MX RRSIG NSEC
x.y.w.example. NSEC xx.example. MX RRSIG NSEC
xx.example. NSEC example. A HINFO AAAA RRSIG NSEC
";

/// RFC 5155 Appendix A: the chain of its zone `example`; `FLAGS` stands for the opt-out flag, which is 1 there.
pub(super) const RFC_5155: &str = "\
0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3 1 FLAGS 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG
2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 FLAGS 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG
2vptu5timamqttgl4luu9kg21e0aor3s.example. NSEC3 1 FLAGS 12 aabbccdd 35mthgpgcu1qg68fab165klnsnk3dpvl MX RRSIG
35mthgpgcu1qg68fab165klnsnk3dpvl.example. NSEC3 1 FLAGS 12 aabbccdd b4um86eghhds6nea196smvmlo4ors995 NS DS RRSIG
b4um86eghhds6nea196smvmlo4ors995.example. NSEC3 1 FLAGS 12 aabbccdd gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG
gjeqe526plbf1g8mklp59enfd789njgi.example. NSEC3 1 FLAGS 12 aabbccdd ji6neoaepv8b5o6k4ev33abha8ht9fgc HINFO A AAAA RRSIG
ji6neoaepv8b5o6k4ev33abha8ht9fgc.example. NSEC3 1 FLAGS 12 aabbccdd k8udemvp1j2f7eg6jebps17vp3n8i58h
k8udemvp1j2f7eg6jebps17vp3n8i58h.example. NSEC3 1 FLAGS 12 aabbccdd kohar7mbb8dc2ce8a9qvl8hon4k53uhi
kohar7mbb8dc2ce8a9qvl8hon4k53uhi.example. NSEC3 1 FLAGS 12 aabbccdd q04jkcevqvmu85r014c7dkba38o0ji5r A RRSIG
q04jkcevqvmu85r014c7dkba38o0ji5r.example. NSEC3 1 FLAGS 12 aabbccdd r53bq7cc2uvmubfu5ocmm6pers9tk9en A RRSIG
r53bq7cc2uvmubfu5ocmm6pers9tk9en.example. NSEC3 1 FLAGS 12 aabbccdd t644ebqk9bibcna874givr6joj62mlhv MX RRSIG
t644ebqk9bibcna874givr6joj62mlhv.example. NSEC3 1 FLAGS 12 aabbccdd 0p9mhaveqvm6t7vbl5lop2u3t2rp3tom HINFO A AAAA RRSIG
";
