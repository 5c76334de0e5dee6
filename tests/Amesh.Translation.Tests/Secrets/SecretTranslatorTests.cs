using Amesh.Translation.Secrets;
using Envoy.Config.Core.V3;
using Envoy.Extensions.TransportSockets.Tls.V3;

namespace Amesh.Translation.Tests.Secrets;

public class SecretTranslatorTests
{
    [Fact]
    public void Revocations_that_cannot_be_read_leave_no_authorities_to_trust()
    {
        var told = new List<Diagnostic>();
        var context = new CertificateValidationContext { TrustedCa = new DataSource { InlineString = Pems.Pair().Certificate } };
        var secret = new Secret { Name = "ca", ValidationContext = context };
        Assert.NotNull(SecretTranslator.Translate("ca", secret, new DataReader(), new DiagnosticScope("s", told)));

        context.Crl = new DataSource { InlineString = "no list" };
        Assert.Null(SecretTranslator.Translate("ca", secret, new DataReader(), new DiagnosticScope("s", told)));
        Assert.Equal("validation_context.crl", Assert.Single(told).Field);
    }
}
